#!/bin/bash
# Makes the files beside it: one small picture in every kind of file that is read, by programs that share
# no code with ours for writing. Needs ImageMagick 6, heif-enc (libheif), exiftool and GIMP 2.10.
# The picture, upright, is 48 x 32: red and green above, blue and yellow below, each a quarter.
set -euo pipefail
cd "$(dirname "$0")"
CONVERT=${CONVERT:-convert-im6.q16}
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
rm -f ./*.{jpg,png,webp,tif,bmp,gif,avif,heic}

quarter() { echo "-size 24x16 xc:rgb($1)"; }
# shellcheck disable=SC2046
$CONVERT \( $(quarter 200,30,30) $(quarter 30,180,40) +append \) \
  \( $(quarter 30,40,200) $(quarter 230,220,40) +append \) -append -strip "PNG24:$WORK/upright.png"
$CONVERT -size 32x48 gradient:white-black -rotate 90 -strip "$WORK/ramp.png" # black on the left
$CONVERT "$WORK/upright.png" "$WORK/ramp.png" -alpha off -compose CopyOpacity -composite "PNG32:$WORK/faded.png"
$CONVERT "$WORK/upright.png" "$WORK/ramp.png" -compose Multiply -composite \
  "$WORK/ramp.png" -alpha off -compose CopyOpacity -composite "PNG32:$WORK/multiplied.png"
# 16 bits that 8 cannot hold
$CONVERT "$WORK/upright.png" -depth 16 -evaluate add 77 -strip "PNG48:$WORK/deep.png"
$CONVERT "$WORK/faded.png" -depth 16 -channel RGB -evaluate add 77 -strip "PNG64:$WORK/deep-faded.png"

upright() { $CONVERT "$WORK/upright.png" "${@:2}" -strip "$1"; }
faded() { $CONVERT "$WORK/faded.png" "${@:2}" -strip "$1"; }

# JPEG
upright baseline.jpg -quality 92 -sampling-factor 4:2:0
upright progressive.jpg -quality 92 -interlace JPEG -sampling-factor 4:4:4
upright grey.jpg -quality 92 -colorspace Gray
upright cmyk.jpg -quality 92 -colorspace CMYK
# How the picture must be stored for each orientation to turn it upright
turns=("" -flop "-rotate 180" -flip -transpose "-rotate 270" -transverse "-rotate 90")
for number in 1 2 3 4 5 6 7 8; do
  # shellcheck disable=SC2086
  upright "orientation-$number.jpg" -quality 92 -sampling-factor 4:4:4 ${turns[number - 1]}
  exiftool -q -overwrite_original -n -IFD0:Orientation=$number "orientation-$number.jpg"
done

# PNG
upright rgb.png
upright interlaced.png -interlace PNG
upright "PNG8:palette.png"
upright grey.png -colorspace Gray
upright bilevel.png -colorspace Gray -threshold 50% -depth 1
faded rgba.png
faded grey-alpha.png -colorspace Gray
$CONVERT "$WORK/upright.png" -transparent "rgb(230,220,40)" -strip "PNG8:palette-transparent.png"
cp "$WORK/deep.png" rgb16.png
cp "$WORK/deep-faded.png" rgba16.png
$CONVERT "$WORK/deep.png" -colorspace Gray -depth 16 -strip grey16.png

# WebP, BMP, GIF
upright lossy.webp -quality 90
upright lossless.webp -define webp:lossless=true
faded alpha.webp -define webp:lossless=true
upright "BMP3:rgb.bmp" -type TrueColor
$CONVERT "$WORK/faded.png" -strip "BMP:rgba.bmp"
upright "BMP3:palette.bmp" -colors 16 -type Palette
$CONVERT "$WORK/upright.png" "$WORK/ramp.png" -strip -delay 10 animated.gif
$CONVERT "$WORK/upright.png" -transparent "rgb(230,220,40)" -strip transparent.gif

# TIFF
upright lzw.tif -compress LZW
upright zip-big-endian.tif -compress Zip -endian MSB
upright planes.tif -compress None -interlace Plane
upright jpeg.tif -compress JPEG -quality 92
upright palette.tif -type Palette -compress LZW
upright grey.tif -colorspace Gray -compress LZW
upright fax.tif -colorspace Gray -threshold 50% -type Bilevel -compress Group4
upright cmyk.tif -colorspace CMYK -compress LZW
faded rgba.tif -compress LZW
$CONVERT "$WORK/deep.png" -depth 16 -compress LZW -strip rgb16.tif
$CONVERT "$WORK/deep-faded.png" -depth 16 -compress Zip -strip rgba16.tif
$CONVERT "$WORK/deep.png" -colorspace Gray -depth 16 -compress LZW -strip grey16.tif

# HEIC and AVIF. This heif-enc applies no orientation by itself, so the boxes that turn are put in by the tests.
heif-enc -q 90 -p chroma=444 "$WORK/upright.png" -o 8-bit.heic
heif-enc -q 90 -p chroma=444 -b 10 "$WORK/deep.png" -o 10-bit.heic
heif-enc -q 90 -p chroma=444 -b 12 "$WORK/deep.png" -o 12-bit.heic
heif-enc -q 90 -p chroma=444 "$WORK/faded.png" -o alpha.heic
heif-enc -q 90 -p chroma=444 --premultiplied-alpha "$WORK/multiplied.png" -o premultiplied.heic
heif-enc -q 90 grey.png -o grey.heic
heif-enc -A -q 90 -p chroma=420 "$WORK/upright.png" -o 8-bit.avif
heif-enc -A -q 90 -p chroma=420 -b 12 "$WORK/deep.png" -o 12-bit.avif
heif-enc -A -q 90 -p chroma=420 "$WORK/faded.png" -o alpha.avif

# One photo's metadata in every format that can hold it. EXIF and XMP both say that it must be turned; in HEIC
# and AVIF this means nothing, for only their own boxes turn a picture.
upright metadata.jpg -rotate 270 -quality 92 -sampling-factor 4:4:4
upright metadata.png -rotate 270
upright metadata.webp -rotate 270 -define webp:lossless=true
upright metadata.tif -rotate 270 -compress LZW
cp 8-bit.heic metadata.heic
cp 8-bit.avif metadata.avif
exif=(-n -IFD0:Orientation=6 -EXIF:Make=Maker -EXIF:Model=Camera -EXIF:Artist=Someone -EXIF:DateTimeOriginal="2024:05:06 07:08:09"
  -EXIF:GPSLatitude=48.5 -EXIF:GPSLatitudeRef=N -EXIF:GPSLongitude=9.25 -EXIF:GPSLongitudeRef=E -EXIF:GPSAltitude=431
  -EXIF:XResolution=240 -EXIF:YResolution=240 -EXIF:ResolutionUnit=2)
xmp=(-XMP-dc:Title="A title" -XMP-xmp:Rating=4 -XMP-tiff:Orientation=6 -XMP-exif:GPSLatitude=48.5
  -XMP-exif:GPSLongitude=9.25 -XMP-photoshop:City=Town -XMP-photoshop:Country=Land -XMP-iptcCore:Location=Square
  -XMP-iptcCore:CountryCode=DE -XMP-photoshop:Credit=Agency -XMP-iptcExt:LocationCreatedCity=Town)
iptc=(-codedcharacterset=utf8 -IPTC:Caption-Abstract="A caption with ü" -IPTC:Keywords=one -IPTC:Keywords=two
  -IPTC:By-line=Someone -IPTC:City=Town -IPTC:Sub-location=Square -IPTC:Province-State=State
  -IPTC:Country-PrimaryLocationCode=DEU -IPTC:Country-PrimaryLocationName=Land
  -IPTC:ContentLocationCode=DEU -IPTC:ContentLocationName=Town)
exiftool -q -overwrite_original "${exif[@]}" "${xmp[@]}" metadata.{png,webp,heic,avif}
exiftool -q -overwrite_original "${exif[@]}" "${xmp[@]}" "${iptc[@]}" metadata.{jpg,tif}

# GIMP writes its own TIFF, with alpha, and its own XMP
cp rgba16.png "$WORK/gimp.png"
gimp -i -d -f -b "(let* ((image (car (gimp-file-load RUN-NONINTERACTIVE \"$WORK/gimp.png\" \"\")))
    (layer (car (gimp-image-get-active-drawable image))))
  (file-tiff-save RUN-NONINTERACTIVE image layer \"$WORK/gimp.tif\" \"\" 1))" -b '(gimp-quit 0)' >"$WORK/gimp.log" 2>&1
cp "$WORK/gimp.tif" gimp-rgba16.tif
chmod 644 ./*.*
ls -l
