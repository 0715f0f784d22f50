"""Bills of any other vendor, in the FOCUS format: read, kept by account and period, told as events.

FOCUS 1.0 to 1.4 is the Cost and Usage dataset of the FinOps Foundation: one line a charge. What a
line means is `charges`, what a file is `files`, which whole bill its lines make `bills`, how bills
are kept `shelf`, and what of them is cost of an AI tool `mapping` and `events`. Nothing here names
a vendor: `focus_mapping.csv` does.
"""
