package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/awslabs/soci-snapshotter/soci"
	"github.com/awslabs/soci-snapshotter/soci/store"
	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content/oci"
)

type indexOptions struct {
	// Version is the SOCI index version, 1 or 2.
	Version      int
	SpanSize     int64
	MinLayerSize int64
	Tool         string
	Xattr        bool
	Prefetch     []string
}

// buildIndex copies the OCI layout folder to out and adds the SOCI artifacts for every platform of the image. It returns
// the roots: the index manifest of each platform (version 1), or the converted image (version 2). It does not change
// out/index.json.
func buildIndex(layout, out string, options indexOptions) ([]ocispec.Descriptor, error) {
	ctx := context.Background()
	if err := os.CopyFS(out, os.DirFS(layout)); err != nil {
		return nil, err
	}
	target, err := soleImage(out)
	if err != nil {
		return nil, err
	}
	blobs, err := oci.New(out)
	if err != nil {
		return nil, err
	}
	contents, err := local.NewStore(out)
	if err != nil {
		return nil, err
	}
	builder, closeBuilder, err := newBuilder(contents, blobs, options)
	if err != nil {
		return nil, err
	}
	defer closeBuilder()
	image := images.Image{Name: "image", Target: target}
	runnable, err := images.Platforms(ctx, contents, target)
	if err != nil {
		return nil, err
	}
	if options.Version == 2 {
		root, err := builder.Convert(ctx, image, soci.ConvertWithPlatforms(runnable...))
		if err != nil {
			return nil, err
		}
		return []ocispec.Descriptor{*root}, nil
	}
	roots := []ocispec.Descriptor{}
	for _, platform := range runnable {
		index, err := builder.Build(ctx, image, soci.WithPlatform(platform))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", platforms.Format(platform), err)
		}
		roots = append(roots, index.Desc)
	}
	return roots, nil
}

func soleImage(layout string) (ocispec.Descriptor, error) {
	raw, err := os.ReadFile(filepath.Join(layout, "index.json"))
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	var top ocispec.Index
	if err := json.Unmarshal(raw, &top); err != nil {
		return ocispec.Descriptor{}, err
	}
	if len(top.Manifests) != 1 {
		return ocispec.Descriptor{}, fmt.Errorf("index.json holds %d manifests, want 1", len(top.Manifests))
	}
	return top.Manifests[0], nil
}

// newBuilder creates a database for the reference, which needs one and keeps it for the life of the process. Therefore
// serve does not support layouts.
func newBuilder(contents content.Store, blobs *oci.Store, options indexOptions) (*soci.IndexBuilder, func(), error) {
	folder, err := os.MkdirTemp("", "artifacts-*")
	if err != nil {
		return nil, nil, err
	}
	remove := func() { os.RemoveAll(folder) }
	database, err := soci.NewDB(soci.ArtifactsDbPath(folder))
	if err != nil {
		remove()
		return nil, nil, err
	}
	settings := []soci.BuilderOption{
		soci.WithSpanSize(options.SpanSize), soci.WithMinLayerSize(options.MinLayerSize),
		soci.WithBuildToolIdentifier(options.Tool), soci.WithArtifactsDb(database), soci.WithPrefetchPaths(options.Prefetch),
	}
	if options.Xattr {
		settings = append(settings, soci.WithOptimizations([]soci.Optimization{soci.XAttrOptimization}))
	}
	builder, err := soci.NewIndexBuilder(contents, &store.SociStore{Store: blobs}, settings...)
	if err != nil {
		remove()
		return nil, nil, err
	}
	return builder, remove, nil
}
