"""What creating is measured against: a bare view of Django REST framework that promises nothing.

It looks the token up, validates three fields, inserts two rows in one transaction and publishes one Celery message.
"""
