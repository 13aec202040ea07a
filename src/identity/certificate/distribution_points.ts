import { contextTag, DerReader, type Element, readSequence } from "../der/der.ts";
import { asBits, TAG } from "../der/der_values.ts";
import { readGeneralName } from "./general_name.ts";
import { Malformed } from "../der/malformed.ts";

const RULE = "extension.distribution-points";
/** More places than an issuer publishes a list at. */
const MAX_NAMES = 16;
/** More lists than an issuer splits its revocations over. */
const MAX_POINTS = 64;

/** Checks where revocation lists are to be found (RFC 5280 §4.2.1.13); nothing is fetched from there. */
export function checkDistributionPoints(value: Uint8Array): void {
  const points = [...readSequence(value, "the distribution points").rest()];
  if (points.length > MAX_POINTS) {
    throw new Malformed(RULE, `there are more than ${MAX_POINTS} distribution points`);
  }
  if (points.length === 0) throw new Malformed(RULE, "the list of distribution points is empty");
  for (const point of points) checkPoint(point);
}

function checkPoint({ tag, contents }: Element): void {
  if (tag !== TAG.sequence) throw new Malformed(RULE, "a distribution point is not a sequence");
  const fields = new DerReader(contents);
  const place = fields.optional(contextTag(0, "constructed"));
  const reasons = fields.optional(contextTag(1, "primitive"));
  const issuer = fields.optional(contextTag(2, "constructed"));
  fields.end("a distribution point");
  if (place === undefined && issuer === undefined) {
    throw new Malformed(RULE, "a distribution point says neither where nor whose it is");
  }
  if (place !== undefined) checkPlace(place);
  if (reasons !== undefined) asBits(reasons.contents);
  if (issuer !== undefined) checkNames(issuer);
}

// A DistributionPointName is a CHOICE, so its implicit tag is explicit (X.680 §31.2.7).
function checkPlace({ contents }: Element): void {
  const choice = new DerReader(contents);
  const fullName = choice.optional(contextTag(0, "constructed"));
  if (fullName === undefined) choice.next(contextTag(1, "constructed"), "a place");
  else checkNames(fullName);
  choice.end("a place");
}

function checkNames({ contents }: Element): void {
  let count = 0;
  for (const name of new DerReader(contents).rest()) {
    if (++count > MAX_NAMES) throw new Malformed(RULE, `a list has more than ${MAX_NAMES} names`);
    readGeneralName(name);
  }
  if (count === 0) throw new Malformed(RULE, "the list of names is empty");
}
