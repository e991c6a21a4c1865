#!/bin/sh
# Makes camera.exif, camera.xmp and camera.iptc: metadata as a camera and a press photographer's program
# write it, in Motorola byte order. Needs ImageMagick 6 and ExifTool.
set -e
cd "$(dirname "$0")"
photo=$(mktemp --suffix=.jpg)
convert-im6.q16 -size 8x6 xc:gray "$photo"
exiftool -q -overwrite_original -ExifByteOrder=MM \
    -EXIF:Make="Maker of Cameras" -EXIF:Model="One" -EXIF:Artist="A. Photographer" \
    -EXIF:Copyright="(c) A. Photographer" -EXIF:DateTimeOriginal="2024:05:06 07:08:09" \
    -EXIF:XResolution=300 -EXIF:YResolution=150 -EXIF:ResolutionUnit=inches \
    -EXIF:FNumber=2.8 -EXIF:ISO=400 -EXIF:FocalLength=85 -EXIF:LensModel="85mm F1.4" \
    -EXIF:GPSLatitude=48.137 -EXIF:GPSLatitudeRef=N -EXIF:GPSLongitude=11.575 -EXIF:GPSLongitudeRef=E \
    -XMP-dc:Title="Käfer 被写体" -XMP-dc:Creator="A. Photographer" -XMP:Rating=4 \
    -IPTC:CodedCharacterSet=UTF8 -IPTC:Caption-Abstract="A beetle, ein Käfer" -IPTC:By-line="A. Photographer" \
    -IPTC:Keywords="beetle" -IPTC:Keywords="macro" "$photo"
exiftool -b -EXIF "$photo" >camera.exif
exiftool -b -XMP "$photo" >camera.xmp
exiftool -b -IPTC "$photo" >camera.iptc
rm "$photo"
