# SynthVIS, preset bench (96x160, four categories). Make it first:
#   python tools/dataset_tools/synth_vis.py --out data/synth_vis/bench --preset bench
_base_ = ['./synth_vis_tiny.py']

data_root = 'data/synth_vis/bench/'

# Frames this small are read in a moment: a process of its own would only ask for a
# second core. A GPU wants some workers.
loading = dict(
    num_workers=0, persistent_workers=False, dataset=dict(data_root=data_root)
)
# Half of tiny's clips a step: 550 such steps reach the AP (0.19) of 600 whole ones in
# two thirds of the time (measured with the demo's STMask).
train_dataloader = dict(loading, batch_size=2)
val_dataloader = loading
test_dataloader = loading
del loading

# What is found, segmented and followed, apart from what it is called.
val_evaluator = dict(class_agnostic=True)
test_evaluator = dict(class_agnostic=True)
