"""Exports: a dataset in the form that others read. One file for each form, plain functions from plain values."""
