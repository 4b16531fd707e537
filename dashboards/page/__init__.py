"""The web page, served by the process of the JSON API."""
