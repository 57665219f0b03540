"""Backbones that mmdet lacks."""

from .deformable_resnet import DeformableResNet

__all__ = ['DeformableResNet']
