"""The Data Actions screen: the actions of the tenant, one of them opened, and its test."""
