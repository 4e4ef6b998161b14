// Whether the SOCI index of the image is complete and belongs to it.
import { pluralize, shortDigest } from '../../terminal/quantity.ts';
import { type Cause, found, NO_IMAGE, notChecked, ruledOut } from '../cause.ts';
import { type ExaminedZtoc, indexOf } from '../evidence.ts';
import { listWords, platformName, rebuildCommand, sociIndex } from '../names.ts';

export const INDEX_CONTENT_MISSING: Cause = {
  id: 'index-content-missing',
  title: 'the SOCI index or a zTOC of it is missing in the repository',
  check(evidence) {
    const { registry } = evidence;
    const index = indexOf(registry);
    const { name, image, unreadable } = registry;
    if (unreadable !== undefined) {
      return found('cause', `${name} lists an image manifest that cannot be read.`, {
        read: [
          `${name} lists ${shortDigest(unreadable.digest)} (${platformName(unreadable.platform)}), which is missing or not an image`,
        ],
        means:
          'No runtime can pull this image. The copy or clean-up that left it incomplete may also have removed its index.',
        remedy: [
          `Push the image again, or copy it with all manifests: skopeo copy --all, or crane copy`,
          `Then index it: ${rebuildCommand(registry)}`,
        ],
      });
    }
    if (index === undefined) return ruledOut('the image names no SOCI index');
    const copied =
      'A copy can lose it: docker pull and push, a copy of a single platform, or skopeo copy without --all. A lifecycle rule or a clean-up can delete it.';
    const remedy = [
      `Build the index again: ${rebuildCommand(registry)}`,
      `To copy an indexed image between repositories, use skopeo copy --all, or crane copy.`,
    ];
    if (index.state === 'missing') {
      return found('cause', `${name} names a SOCI index that its repository does not have.`, {
        read: [
          `the manifest ${shortDigest(image?.descriptor.digest ?? '')} names the SOCI index ${index.digest}`,
          `a request for that manifest: not found`,
        ],
        means: `Without the index, the runtime pulls the image whole. ${copied}`,
        remedy,
      });
    }
    if (index.state === 'invalid') {
      return found('cause', `${name} names a SOCI index that is not one.`, {
        read: [`the manifest ${index.digest} is not a SOCI index of version 2`],
        means: 'The runtime cannot read it, and pulls the image whole. A tool rewrote or damaged it.',
        remedy,
      });
    }
    const missing = index.ztocs.filter(({ state }) => state === 'missing');
    if (missing.length > 0) {
      return found(
        'cause',
        `${pluralize(missing.length, 'zTOC')} of the SOCI index of ${name} ${missing.length === 1 ? 'is' : 'are'} missing in the repository.`,
        {
          read: [
            `the SOCI index ${shortDigest(index.digest)} lists ${pluralize(index.ztocs.length, 'zTOC')}`,
            `not found: ${listWords(missing.map(describeZtoc))}`,
          ],
          means: `The runtime fetches all zTOCs before it mounts a layer. If one is missing, it pulls the image whole. ${copied}`,
          remedy,
        },
      );
    }
    const unknown = index.ztocs.filter(({ state }) => state === 'not-checked').length;
    const known = index.ztocs.length - unknown;
    return ruledOut(
      `the SOCI index ${shortDigest(index.digest)} and ${known === 1 ? 'its zTOC exist' : `${known} of its ${index.ztocs.length} zTOCs exist`}`,
    );
  },
};

function describeZtoc({ descriptor, layer }: ExaminedZtoc): string {
  return `${shortDigest(descriptor.digest)} (of layer ${shortDigest(layer)})`;
}

export const ANNOTATION_DROPPED: Cause = {
  id: 'annotation-dropped',
  title: 'the image lists a SOCI index, but its manifest does not name it',
  check({ registry }) {
    const { image, listedIndexes, name } = registry;
    if (image === undefined) return NO_IMAGE;
    const index = indexOf(registry);
    if (index === undefined)
      return ruledOut(
        listedIndexes.length > 0 ? 'no listed SOCI index belongs to this platform' : 'the image lists no SOCI index',
      );
    if (image.namedIndex !== undefined) return ruledOut(`the manifest names ${shortDigest(image.namedIndex)}`);
    return found('cause', `${name} lists a SOCI index, but its image manifest does not name it.`, {
      read: [
        `the image index lists the SOCI index ${shortDigest(index.digest)}`,
        `the manifest ${shortDigest(image.descriptor.digest)} has no annotation com.amazon.soci.index-digest`,
      ],
      means:
        'The runtime finds the index only through this annotation. Tools that rewrite manifests drop it: crane mutate, docker buildx imagetools, and some signing or scanning tools.',
      remedy: [
        `Index the image again, after the tool that rewrites it: ${rebuildCommand(registry)}`,
        'Make the index the last step that changes the image.',
      ],
    });
  },
};

export const INDEX_OF_OTHER_LAYERS: Cause = {
  id: 'index-mismatch',
  title: 'the SOCI index does not fit the layers',
  check({ registry }) {
    const index = indexOf(registry);
    const { image, name } = registry;
    if (index === undefined || image === undefined || index.state !== 'present')
      return ruledOut('the image has no SOCI index that can be read');
    const layers = new Set(image.layers.map(({ digest }) => digest));
    const foreign = index.ztocs.filter(({ layer }) => !layers.has(layer));
    if (foreign.length > 0) {
      return found('cause', `The SOCI index of ${name} belongs to other layers.`, {
        read: [
          `the SOCI index ${shortDigest(index.digest)} has zTOCs for layers that the image does not have: ${listWords(foreign.map(describeZtoc))}`,
        ],
        means:
          'The runtime pulls layers without a zTOC of their own whole. The layers were changed after the index was built, or the index was copied from another image.',
        remedy: [`Index the image again: ${rebuildCommand(registry)}`],
      });
    }
    return notChecked(
      'the digests of the layers match, but the content of the zTOCs was not compared with them',
      `run ${sociIndex('verify', '--sample', '100', name)}`,
    );
  },
};
