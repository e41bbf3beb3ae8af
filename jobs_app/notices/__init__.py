"""Notices: what people are told in the portal and by mail, derived from the trail and from what time brings."""
