"""Images out of a PACS by DICOMweb: the sources that an admin names, searching them, and imports of series."""
