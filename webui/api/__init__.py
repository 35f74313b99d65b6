"""The JSON and picture addresses, one blueprint per subject; each view calls one method of the Workflow."""
