"""The authorization server: SMART App Launch 2, OAuth 2.0 and OpenID Connect on the house's own accounts."""
