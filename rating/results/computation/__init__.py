"""The numbers of large studies, computed by a job before a page shows them."""
