"""The Runs screen: filters, charts, the list, one run opened, saved views and exports."""
