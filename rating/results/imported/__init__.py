"""Ratings made elsewhere: no study of this site, so that nothing of them is mixed with what was read blinded here."""
