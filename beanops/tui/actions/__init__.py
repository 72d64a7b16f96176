"""What can be done from the dashboard, as data, and how it is asked for, confirmed and carried out."""
