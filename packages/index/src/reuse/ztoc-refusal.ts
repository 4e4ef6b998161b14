/**
 * Why a zTOC that was found is not used.
 *
 * - `too-large`: it has more bytes, entries or spans than a zTOC may have.
 * - `malformed`: it is no zTOC, or not laid out as the reference and we do it.
 * - `other-layer`: it is of a layer of another size, or of one that is compressed otherwise.
 * - `other-settings`: it was built with another span size, or under another name.
 * - `wrong-spans`: its spans are not as far apart as that span size asks for, as the reference before v0.14.0 built them for
 *   layers of several gzip members.
 */
export type ZtocRefusal = 'too-large' | 'malformed' | 'other-layer' | 'other-settings' | 'wrong-spans';
