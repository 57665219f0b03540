"""What a predicted video is written as, a class for each kind of files.

writer.py         what all have in common
drawn_video.py    mp4: tracks drawn
page.py           html: a page that plays the video, tracks to be switched
results.py        json: YouTube-VIS results and the annotation file they refer to
tables.py         csv: a line an instance and frame; mots: MOTS txt
track_folders.py  masks and crops: a folder a track
sheet.py          sheet: some frames on one page
cvat_task.py      cvat and cvat-tracks: an xml for CVAT, to correct by hand
"""
