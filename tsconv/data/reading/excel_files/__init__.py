"""Excel workbooks: one sheet read by openpyxl, its cells in the types that they have."""
