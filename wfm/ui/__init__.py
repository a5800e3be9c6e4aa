"""The screens' shell: sign-in, navigation, and the components that pages share. Knows the Desk and the domain only."""
