"""Measuring recall: does memory hand back the turns that a question needs?"""
