"""Reconcile the WhatsApp messages a business recorded with those Octopods sent."""

__version__ = "0.1.0"
