"""Ways to reach a server: TLS, tokens, several addresses, ssh, and sockets that are connected already."""
