"""Necks that mmdet lacks."""

from .yolact_fpn import YolactFPN

__all__ = ['YolactFPN']
