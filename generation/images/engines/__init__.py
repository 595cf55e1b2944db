"""What makes images: one file per engine behind one small protocol; torch is imported only inside a call."""
