"""The company's directories: SCIM and the key sheet, over real connections."""
