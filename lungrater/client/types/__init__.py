"""The types of what operations take and give, made from the OpenAPI document."""
