"""Octets to messages and back: ISAKMP and the IPsec DOI (RFC 2408, RFC 2407)."""
