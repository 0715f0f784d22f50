"""Days and ranges of them: windows, spans, billing cycles. Pure arithmetic in UTC."""
