package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// A request asks for one thing. Bytes travel as base64, since names in a tar need not be UTF-8.
type request struct {
	// Op is "ztoc", "extract" or "compress".
	Op string `json:"op"`

	// ztoc, extract: the layer, as the path of a file or as its bytes.
	Layer      string `json:"layer"`
	LayerBytes string `json:"layerBytes"`

	// ztoc: how to read the layer, and whether the zTOC itself is wanted.
	SpanSize  int64  `json:"spanSize"`
	Algorithm string `json:"algorithm"`
	Tool      string `json:"tool"`
	WantZtoc  bool   `json:"wantZtoc"`

	// extract: the zTOC, and the name of the file in it.
	Ztoc string `json:"ztoc"`
	Name string `json:"name"`

	// compress: data, and how to make a gzip of it.
	Bytes string `json:"bytes"`
	Level int    `json:"level"`
	// FlushEvery ends a block with an empty stored one after each so many bytes; 0 does not.
	FlushEvery int `json:"flushEvery"`
}

// An answer has an error, or what was asked for. A refusal of the layer is an error too.
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

	// ztoc (the zTOC where wanted), extract (the file), compress (the gzip)
	Bytes string `json:"bytes,omitempty"`
}

// serve answers each line of in with a line on out, in order, until in ends.
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

// respond turns a panic of the reference into an error: hostile layers are what it is asked about.
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
	case "compress":
		return compress(req)
	}
	return answer{Error: fmt.Sprintf("unknown op %q", req.Op)}
}

func failed(err error) answer { return answer{Error: err.Error()} }

// writeLayer puts bytes where the reference can read them: it takes layers by the names of files only.
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
