package main

import (
	"archive/tar"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/awslabs/soci-snapshotter/cache"
	"github.com/awslabs/soci-snapshotter/fs/reader"
	spanmanager "github.com/awslabs/soci-snapshotter/fs/span-manager"
	"github.com/awslabs/soci-snapshotter/metadata"
	"github.com/awslabs/soci-snapshotter/util/ioutils"
	"github.com/awslabs/soci-snapshotter/ztoc"
	"github.com/opencontainers/go-digest"
	bolt "go.etcd.io/bbolt"
)

// mounted is how the snapshotter mounts and reads a layer through a zTOC.
type mounted struct {
	// Rejected is why the snapshotter does not mount the layer.
	Rejected string `json:"rejected,omitempty"`
	// Unreadable has the files that the snapshotter answers with an error or with wrong content.
	Unreadable []unreadable `json:"unreadable"`
	// Directories has the names of entries, in base64, that the snapshotter shows as directories: of each path, the last
	// entry, if it is not one of a directory.
	Directories []string `json:"directories"`
}

type unreadable struct {
	// Name is the name in the archive, in base64.
	Name   string `json:"name"`
	Reason string `json:"reason"`
	// HasWideOwner says that the user or group ID of the tar header does not fit the 32 bits of a zTOC.
	HasWideOwner bool `json:"hasWideOwner"`
}

// original is a file of the archive.
type original struct {
	content      []byte
	hasWideOwner bool
}

// maxOriginal is the maximum size of a file whose content is compared. Sparse files can be huge.
const maxOriginal = 64 << 20

// mountLayer mounts a layer several times and reads all its files, because some results are random. It does what
// fs/layer/layer.go, Resolve, and fs/layer/node.go do, without FUSE.
func mountLayer(encoded, layer []byte, archive io.Reader, rounds int) (mounted, error) {
	originals, err := readOriginals(archive)
	if err != nil {
		return mounted{}, err
	}
	result := mounted{Unreadable: []unreadable{}, Directories: []string{}}
	seen := map[string]bool{}
	for round := 0; round < max(rounds, 1); round++ {
		rejected, failed, directories, err := mountOnce(encoded, layer, originals)
		if err != nil {
			return mounted{}, err
		}
		if rejected != nil {
			result.Rejected = rejected.Error()
		} else {
			result.Directories = directories
		}
		for _, file := range failed {
			if !seen[file.Name] {
				seen[file.Name] = true
				result.Unreadable = append(result.Unreadable, file)
			}
		}
	}
	return result, nil
}

// mountOnce returns why the layer is rejected, or the files that cannot be read, and those that are directories.
func mountOnce(encoded, layer []byte, originals map[int64]original) (rejected error, failed []unreadable, directories []string, err error) {
	table, err := ztoc.Unmarshal(bytes.NewReader(encoded))
	if err != nil {
		return err, nil, nil, nil
	}
	folder, err := os.MkdirTemp("", "mount-*")
	if err != nil {
		return nil, nil, nil, err
	}
	defer os.RemoveAll(folder)
	database, err := bolt.Open(filepath.Join(folder, "metadata.db"), 0600, &bolt.Options{NoSync: true})
	if err != nil {
		return nil, nil, nil, err
	}
	defer database.Close()
	// A batch waits for others. There are none.
	database.MaxBatchDelay = 0
	section := io.NewSectionReader(bytes.NewReader(layer), 0, int64(len(layer)))
	nodes, err := metadata.NewReader(database, section, table.TOC)
	if err != nil {
		return err, nil, nil, nil
	}
	spans, err := spanmanager.New(table, section, cache.NewMemoryCache(), 0, digest.FromBytes(layer), cache.Direct())
	if err != nil {
		return err, nil, nil, nil
	}
	files, err := reader.NewReader(nodes, digest.FromBytes(layer), spans, false)
	if err != nil {
		return err, nil, nil, nil
	}
	defer files.Close()
	reachable := map[uint32]bool{}
	if err := addReachable(nodes, nodes.RootID(), reachable); err != nil {
		return nil, nil, nil, err
	}
	directories = findDirectories(nodes, table.FileMetadata)
	// Node numbers are consecutive.
	for id := nodes.RootID(); ; id++ {
		attr, err := nodes.GetAttr(id)
		if err != nil {
			return nil, failed, directories, nil
		}
		// Nobody reads a file that a later entry replaces.
		if !reachable[id] {
			continue
		}
		// The kernel does not read empty files.
		if !attr.Mode.IsRegular() || attr.Size == 0 {
			continue
		}
		file, err := nodes.OpenFile(id)
		if err != nil {
			return nil, nil, nil, err
		}
		expected := originals[int64(file.GetUncompressedOffset())]
		if err := compareFile(files, id, attr.Size, expected.content); err != nil {
			failed = append(failed, unreadable{
				Name:         base64.StdEncoding.EncodeToString([]byte(file.TarName())),
				Reason:       err.Error(),
				HasWideOwner: expected.hasWideOwner,
			})
		}
	}
}

// findDirectories returns the names of the entries that mounted.Directories describes.
func findDirectories(nodes metadata.Reader, entries []ztoc.FileMetadata) []string {
	last := map[string]int{}
	for i, entry := range entries {
		last[filepath.Clean("/"+entry.Name)] = i
	}
	found := []string{}
	for i, entry := range entries {
		path := filepath.Clean("/" + entry.Name)
		if entry.Type == "dir" || path == "/" || last[path] != i {
			continue
		}
		id := nodes.RootID()
		var attr metadata.Attr
		var err error
		for _, name := range strings.Split(path[1:], "/") {
			if id, attr, err = nodes.GetChild(id, name); err != nil {
				break
			}
		}
		if err == nil && attr.Mode.IsDir() {
			found = append(found, base64.StdEncoding.EncodeToString([]byte(entry.Name)))
		}
	}
	return found
}

// addReachable adds the nodes below a node. Hard links to directories can form a circle.
func addReachable(nodes metadata.Reader, id uint32, reachable map[uint32]bool) error {
	if reachable[id] {
		return nil
	}
	reachable[id] = true
	var failure error
	err := nodes.ForeachChild(id, func(name string, child uint32, _ os.FileMode) bool {
		// An entry whose path is the root becomes a child with this name, which the kernel never looks up.
		if name != "." {
			failure = addReachable(nodes, child, reachable)
		}
		return failure == nil
	})
	return errors.Join(err, failure)
}

// compareFile reads a file as the FUSE file system does, and compares it with its content in the archive. A file that ends
// after the layer makes the snapshotter panic.
func compareFile(files reader.Reader, id uint32, size int64, expected []byte) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	file, err := files.OpenFile(id)
	if err != nil {
		return err
	}
	content := make([]byte, min(size, maxOriginal))
	// A wrapped io.EOF is an error, as in fs/layer/node.go, `Read`.
	if _, err := file.ReadAt(content, 0); err != nil && err != io.EOF {
		return err
	}
	if !bytes.Equal(content, expected) {
		return errors.New("wrong content")
	}
	return nil
}

// readOriginals reads the files of an archive by the offset of their content, like ztoc/toc_builder.go.
func readOriginals(archive io.Reader) (map[int64]original, error) {
	position := ioutils.NewPositionTrackerReader(archive)
	entries := tar.NewReader(position)
	originals := map[int64]original{}
	for {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return originals, nil
		}
		if err != nil {
			return nil, err
		}
		offset := position.CurrentPos()
		content, err := io.ReadAll(io.LimitReader(entries, maxOriginal))
		if err != nil {
			return nil, err
		}
		originals[offset] = original{content: content, hasWideOwner: isWide(header.Uid) || isWide(header.Gid)}
	}
}

func isWide(owner int) bool { return owner < 0 || owner > math.MaxUint32 }
