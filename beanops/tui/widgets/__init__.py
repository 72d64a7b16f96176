"""Widgets that know no screen: tables, bodies, charts and input lines."""
