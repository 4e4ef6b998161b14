package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// request is one request. Bytes are base64, because names in a tar need not be UTF-8.
type request struct {
	// Op is "ztoc", "extract", "mount" or "compress".
	Op string `json:"op"`

	// ztoc, extract, mount: the layer, as a path or as bytes.
	Layer      string `json:"layer"`
	LayerBytes string `json:"layerBytes"`

	// ztoc: options, and whether to return the zTOC itself.
	SpanSize  int64  `json:"spanSize"`
	Algorithm string `json:"algorithm"`
	Tool      string `json:"tool"`
	WantZtoc  bool   `json:"wantZtoc"`

	// extract, mount: the zTOC. extract: the name of a file in it.
	Ztoc string `json:"ztoc"`
	Name string `json:"name"`

	// mount: how often to mount the layer.
	Rounds int `json:"rounds"`

	// compress: the data and the options.
	Bytes string `json:"bytes"`
	Level int    `json:"level"`
	// FlushEvery is the number of bytes after which a block is flushed. 0 means never.
	FlushEvery int `json:"flushEvery"`
}

// answer has an error or a result. A rejected layer is an error.
type answer struct {
	Error string `json:"error,omitempty"`

	// ztoc
	Layer            string `json:"layer,omitempty"`
	Digest           string `json:"digest,omitempty"`
	Size             int64  `json:"size,omitempty"`
	MaxSpanID        int    `json:"maxSpanId"`
	Files            int    `json:"files"`
	CompressedSize   int64  `json:"compressedArchiveSize"`
	UncompressedSize int64  `json:"uncompressedArchiveSize"`

	// ztoc (the zTOC, if requested), extract (the file), compress (the gzip)
	Bytes string `json:"bytes,omitempty"`

	// mount
	Mounted *mounted `json:"mounted,omitempty"`
}

// serve answers each line of in with a line on out, in order, until the end of in.
func serve(in io.Reader, out io.Writer) error {
	lines := bufio.NewReaderSize(in, 1<<20)
	encoder := json.NewEncoder(out)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := encoder.Encode(respond(line)); err != nil {
			return err
		}
	}
}

// respond converts a panic of the reference to an error, because it receives invalid layers.
func respond(line []byte) (result answer) {
	defer func() {
		if r := recover(); r != nil {
			result = answer{Error: fmt.Sprintf("panic: %v", r)}
		}
	}()
	var req request
	if err := json.Unmarshal(line, &req); err != nil {
		return failed(err)
	}
	if req.LayerBytes != "" {
		path, err := writeLayer(req.LayerBytes)
		if err != nil {
			return failed(err)
		}
		defer os.Remove(path)
		req.Layer = path
	}
	switch req.Op {
	case "ztoc":
		return buildZtoc(req.Layer, req.SpanSize, req.Algorithm, req.Tool, req.WantZtoc)
	case "extract":
		encoded, err := base64.StdEncoding.DecodeString(req.Ztoc)
		if err != nil {
			return failed(err)
		}
		name, err := base64.StdEncoding.DecodeString(req.Name)
		if err != nil {
			return failed(err)
		}
		return extractFile(encoded, req.Layer, string(name))
	case "mount":
		return mount(req)
	case "compress":
		return compress(req)
	}
	return answer{Error: fmt.Sprintf("unknown op %q", req.Op)}
}

func mount(req request) answer {
	encoded, err := base64.StdEncoding.DecodeString(req.Ztoc)
	if err != nil {
		return failed(err)
	}
	layer, err := os.ReadFile(req.Layer)
	if err != nil {
		return failed(err)
	}
	var archive io.Reader = bytes.NewReader(layer)
	if req.Algorithm == "gzip" {
		if archive, err = gzip.NewReader(archive); err != nil {
			return failed(err)
		}
	}
	result, err := mountLayer(encoded, layer, archive, req.Rounds)
	if err != nil {
		return failed(err)
	}
	return answer{Mounted: &result}
}

func failed(err error) answer { return answer{Error: err.Error()} }

// writeLayer writes bytes to a file, because the reference reads layers only from files.
func writeLayer(encoded string) (string, error) {
	data, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", err
	}
	file, err := os.CreateTemp("", "layer-*")
	if err != nil {
		return "", err
	}
	_, err = file.Write(data)
	if closed := file.Close(); err == nil {
		err = closed
	}
	return file.Name(), err
}
