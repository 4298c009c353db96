"""From a finished folder to where others read it: S3-compatible stores, folders and the Hugging Face Hub."""

from motet.publish.plan import Local, Plan, Published, Refused, folder_files
from motet.publish.store import publish, verify

__all__ = ["Local", "Plan", "Published", "Refused", "folder_files", "publish", "verify"]
