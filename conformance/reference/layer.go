package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"io"
	"os"

	"github.com/awslabs/soci-snapshotter/ztoc"
)

// defaultTool is the build tool identifier of the reference's command line. It is part of the zTOC.
const defaultTool = "AWS SOCI CLI v0.2"

// maxAnswered is the size up to which an answer contains the zTOC, in bytes. Node.js reads an answer as a string, which has at
// most 512 MiB. A layer with more than 8,000 spans of a few hundred bytes has a larger one.
const maxAnswered = 256 << 20

// buildZtoc returns the zTOC of a layer, or the error with which the reference rejects the layer.
func buildZtoc(layer string, spanSize int64, algorithm, tool string, wantZtoc bool) answer {
	if tool == "" {
		tool = defaultTool
	}
	built, err := ztoc.NewBuilder(tool).BuildZtoc(layer, spanSize, ztoc.WithCompression(algorithm))
	if err != nil {
		return failed(err)
	}
	blob, descriptor, err := ztoc.Marshal(built)
	if err != nil {
		return failed(err)
	}
	result := answer{
		Digest:           descriptor.Digest.String(),
		Size:             descriptor.Size,
		MaxSpanID:        int(built.MaxSpanID),
		Files:            len(built.FileMetadata),
		CompressedSize:   int64(built.CompressedArchiveSize),
		UncompressedSize: int64(built.UncompressedArchiveSize),
	}
	if wantZtoc && descriptor.Size <= maxAnswered {
		encoded, err := io.ReadAll(blob)
		if err != nil {
			return failed(err)
		}
		result.Bytes = base64.StdEncoding.EncodeToString(encoded)
	}
	return result
}

// extractFile reads a file of a layer through a zTOC, as a lazy-loading client does.
func extractFile(encoded []byte, layerPath, name string) answer {
	table, err := ztoc.Unmarshal(bytes.NewReader(encoded))
	if err != nil {
		return failed(err)
	}
	layer, err := os.Open(layerPath)
	if err != nil {
		return failed(err)
	}
	defer layer.Close()
	stat, err := layer.Stat()
	if err != nil {
		return failed(err)
	}
	data, err := table.ExtractFile(io.NewSectionReader(layer, 0, stat.Size()), name)
	if err != nil {
		return failed(err)
	}
	return answer{Bytes: base64.StdEncoding.EncodeToString(data)}
}

// compress makes a gzip with Go's encoder, whose blocks differ from those of zlib.
func compress(req request) answer {
	data, err := base64.StdEncoding.DecodeString(req.Bytes)
	if err != nil {
		return failed(err)
	}
	var out bytes.Buffer
	writer, err := gzip.NewWriterLevel(&out, req.Level)
	if err != nil {
		return failed(err)
	}
	for len(data) > 0 {
		piece := data
		if req.FlushEvery > 0 && len(data) > req.FlushEvery {
			piece = data[:req.FlushEvery]
		}
		if _, err := writer.Write(piece); err != nil {
			return failed(err)
		}
		data = data[len(piece):]
		if req.FlushEvery > 0 {
			if err := writer.Flush(); err != nil {
				return failed(err)
			}
		}
	}
	if err := writer.Close(); err != nil {
		return failed(err)
	}
	return answer{Bytes: base64.StdEncoding.EncodeToString(out.Bytes())}
}
