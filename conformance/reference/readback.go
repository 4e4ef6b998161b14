package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"

	"github.com/awslabs/soci-snapshotter/ztoc"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
)

// maxRead is the maximum number of bytes of a layer that are read back file by file.
const maxRead = 64 << 20

// readBack compares each file that the reference extracts with the layer, which is read from its beginning.
func (p *puller) readBack(ctx context.Context, blob, layer ocispec.Descriptor) error {
	encoded, err := content.FetchAll(ctx, p.local, blob)
	if err != nil {
		return err
	}
	table, err := ztoc.Unmarshal(bytes.NewReader(encoded))
	if err != nil {
		return err
	}
	data, err := content.FetchAll(ctx, p.remote.Blobs(), layer)
	if err != nil {
		return err
	}
	section := io.NewSectionReader(bytes.NewReader(data), 0, int64(len(data)))
	var archive io.Reader = bytes.NewReader(data)
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		if archive, err = gzip.NewReader(archive); err != nil {
			return err
		}
	}
	entries := tar.NewReader(archive)
	for read := int64(0); read < maxRead; {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		expected, err := io.ReadAll(entries)
		if err != nil {
			return err
		}
		read += int64(len(expected))
		extracted, err := table.ExtractFile(section, header.Name)
		if err != nil {
			p.problem("%s of %s: %v", header.Name, layer.Digest, err)
		} else if !bytes.Equal(extracted, expected) {
			p.problem("%s of %s reads otherwise", header.Name, layer.Digest)
		}
		p.found.Files++
	}
	return nil
}
