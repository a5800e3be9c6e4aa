"""Around every screen: sign-in, roles, navigation, the tenant menu, jobs of minutes, and routes beside those of Streamlit."""
