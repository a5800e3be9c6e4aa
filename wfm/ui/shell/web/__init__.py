"""The launcher's side of the desk: health, exports, headers. No Streamlit session here, plain HTTP."""
