package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"github.com/awslabs/soci-snapshotter/fs"
	"github.com/awslabs/soci-snapshotter/soci"
	"github.com/awslabs/soci-snapshotter/soci/store"
	"github.com/awslabs/soci-snapshotter/ztoc"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/pkg/reference"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/oci"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
)

// maxRead bounds the bytes of one layer that are read back file by file.
const maxRead = 64 << 20

// pulled says what the reference has found in a registry, and what is wrong with it.
type pulled struct {
	Platforms int      `json:"platforms"`
	Indexes   []string `json:"indexes"`
	Ztocs     int      `json:"ztocs"`
	Files     int      `json:"files"`
	Problems  []string `json:"problems"`
}

// puller holds a repository over plain HTTP, and what was found there.
type puller struct {
	refspec reference.Spec
	remote  *remote.Repository
	local   *store.SociStore
	found   pulled
}

// pullIndexes does with a SOCI-enabled image what the snapshotter does when a container starts: for each platform it takes
// the index that the manifest's annotation names, and has the reference fetch it with its zTOCs. Then every regular file of
// every indexed layer is extracted through its zTOC and compared with what the whole layer holds.
func pullIndexes(name, user, password string) (pulled, error) {
	ctx := context.Background()
	refspec, err := reference.Parse(name)
	if err != nil {
		return pulled{}, err
	}
	repository, err := remote.NewRepository(name)
	if err != nil {
		return pulled{}, err
	}
	repository.PlainHTTP = true
	repository.Client = &auth.Client{
		Credential: auth.StaticCredential(repository.Reference.Host(), auth.Credential{Username: user, Password: password}),
	}
	folder, err := os.MkdirTemp("", "pulled-*")
	if err != nil {
		return pulled{}, err
	}
	defer os.RemoveAll(folder)
	local, err := oci.New(folder)
	if err != nil {
		return pulled{}, err
	}
	p := &puller{refspec: refspec, remote: repository, local: &store.SociStore{Store: local}}
	p.found.Indexes, p.found.Problems = []string{}, []string{}
	root, err := repository.Resolve(ctx, repository.Reference.Reference)
	if err != nil {
		return pulled{}, err
	}
	manifests, err := p.manifestsOf(ctx, root)
	if err != nil {
		return pulled{}, err
	}
	for _, manifest := range manifests {
		if err := p.pullPlatform(ctx, manifest); err != nil {
			return pulled{}, err
		}
	}
	return p.found, nil
}

func (p *puller) manifestsOf(ctx context.Context, root ocispec.Descriptor) ([]ocispec.Descriptor, error) {
	if !images.IsIndexType(root.MediaType) {
		return []ocispec.Descriptor{root}, nil
	}
	var index ocispec.Index
	if err := p.fetchJSON(ctx, root, &index); err != nil {
		return nil, err
	}
	runnable := []ocispec.Descriptor{}
	for _, entry := range index.Manifests {
		isArtifact := entry.ArtifactType != "" || entry.Annotations["vnd.docker.reference.type"] != ""
		if !isArtifact {
			runnable = append(runnable, entry)
		}
	}
	return runnable, nil
}

func (p *puller) pullPlatform(ctx context.Context, descriptor ocispec.Descriptor) error {
	var manifest ocispec.Manifest
	if err := p.fetchJSON(ctx, descriptor, &manifest); err != nil {
		return err
	}
	p.found.Platforms++
	annotation, isIndexed := manifest.Annotations[soci.ImageAnnotationSociIndexDigest]
	if !isIndexed {
		return nil
	}
	named, err := digest.Parse(annotation)
	if err != nil {
		return err
	}
	index, err := fs.FetchSociArtifacts(ctx, p.refspec, ocispec.Descriptor{Digest: named}, p.local, p.remote)
	if err != nil {
		return fmt.Errorf("%s: %w", named, err)
	}
	p.found.Indexes = append(p.found.Indexes, named.String())
	for _, blob := range index.Blobs {
		if blob.MediaType != soci.SociLayerMediaType {
			continue
		}
		layer, err := layerOf(manifest, blob.Annotations[soci.IndexAnnotationImageLayerDigest])
		if err != nil {
			p.problem("%s: %v", blob.Digest, err)
			continue
		}
		if err := p.readBack(ctx, blob, layer); err != nil {
			return fmt.Errorf("%s: %w", blob.Digest, err)
		}
		p.found.Ztocs++
	}
	return nil
}

func layerOf(manifest ocispec.Manifest, named string) (ocispec.Descriptor, error) {
	for _, layer := range manifest.Layers {
		if layer.Digest.String() == named {
			return layer, nil
		}
	}
	return ocispec.Descriptor{}, fmt.Errorf("the image has no layer %q", named)
}

// readBack compares each file as the reference extracts it with the layer, which is read from its beginning.
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
			extracted, err = table.ExtractFile(section, path.Clean(header.Name))
		}
		if err != nil {
			p.problem("%s of %s: %v", header.Name, layer.Digest, err)
		} else if !bytes.Equal(extracted, expected) {
			p.problem("%s of %s reads otherwise", header.Name, layer.Digest)
		}
		p.found.Files++
	}
	return nil
}

func (p *puller) fetchJSON(ctx context.Context, descriptor ocispec.Descriptor, into any) error {
	raw, err := content.FetchAll(ctx, p.remote, descriptor)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, into)
}

func (p *puller) problem(format string, args ...any) {
	p.found.Problems = append(p.found.Problems, fmt.Sprintf(format, args...))
}
