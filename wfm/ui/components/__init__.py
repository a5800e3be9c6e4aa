"""What screens share: states, times, bars, lanes, empty and error states. Each draws with Streamlit and returns values."""
