"""Text and bytes of others, read: encodings, pasted mails and transcripts, log records, JSON whole or broken, HTML and XML.

From bytes to an answer taken apart: `limits` (decode, cut) → `paste` (the answers in a pasted text) → `parsed_response`
(`error_envelopes` of JSON, `log_records` opened, words by `text_extraction`). Never raises; the work is bounded.
"""
