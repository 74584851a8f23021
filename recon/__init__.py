"""Reconcile the WhatsApp messages a business booked with those Octopods sent."""

__version__ = "0.1.0"
