package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/awslabs/soci-snapshotter/fs"
	"github.com/awslabs/soci-snapshotter/soci"
	"github.com/awslabs/soci-snapshotter/soci/store"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/pkg/reference"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/oci"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
)

// pulled is what the reference found in a registry, with the problems.
type pulled struct {
	Platforms int      `json:"platforms"`
	Indexes   []string `json:"indexes"`
	Ztocs     int      `json:"ztocs"`
	Files     int      `json:"files"`
	Problems  []string `json:"problems"`
}

// puller is a repository over plain HTTP, and the results so far.
type puller struct {
	refspec reference.Spec
	remote  *remote.Repository
	local   *store.SociStore
	found   pulled
}

// pullIndexes does what the snapshotter does when a container starts: for each platform, it finds the SOCI index and
// fetches it with its zTOCs. Then it extracts regular files of every indexed layer through the zTOC and compares them with
// the layer.
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
	found, err := p.findIndex(ctx, descriptor, manifest)
	if errors.Is(err, fs.ErrNoReferrers) {
		return nil
	}
	if err != nil {
		return err
	}
	index, err := fs.FetchSociArtifacts(ctx, p.refspec, found, p.local, p.remote)
	if err != nil {
		return fmt.Errorf("%s: %w", found.Digest, err)
	}
	p.found.Indexes = append(p.found.Indexes, found.Digest.String())
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

// findIndex searches like the snapshotter, in the same order: the manifest's annotation, then its referrers.
func (p *puller) findIndex(ctx context.Context, descriptor ocispec.Descriptor, manifest ocispec.Manifest) (ocispec.Descriptor, error) {
	if annotation := manifest.Annotations[soci.ImageAnnotationSociIndexDigest]; annotation != "" {
		named, err := digest.Parse(annotation)
		return ocispec.Descriptor{Digest: named}, err
	}
	image := ocispec.Descriptor{Digest: descriptor.Digest}
	return fs.NewOCIArtifactClient(p.remote).SelectReferrer(ctx, image, fs.SelectFirstPolicy)
}

func layerOf(manifest ocispec.Manifest, named string) (ocispec.Descriptor, error) {
	for _, layer := range manifest.Layers {
		if layer.Digest.String() == named {
			return layer, nil
		}
	}
	return ocispec.Descriptor{}, fmt.Errorf("the image has no layer %q", named)
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
