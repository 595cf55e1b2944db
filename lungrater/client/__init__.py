"""The site from a script or a notebook: `Client(url, token)` sends images, makes studies and brings ratings back.

site = Client("https://lungrater.example.org", "lrt_…")
site.push_images("Model B", files, origin="synthetic", modality="xray")
ratings = site.ratings(study)          # a pandas DataFrame
"""

from lungrater.client.client import Client
from lungrater.client.problems import OtherSiteError, ProblemError

__all__ = ["Client", "OtherSiteError", "ProblemError"]
