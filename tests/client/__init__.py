"""Both clients, on a real server and on scripted ones."""
