"""The jobs: one module each, straight down from the listing to the report."""
