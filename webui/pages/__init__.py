"""The HTML pages: shells filled by the scripts from the API."""
