//! Rows of the kinds that are answered when they are posted, and never kept.

use super::{PLAIN, Review, Row, Strategy};

/// Reviews can only be asked for.
pub(super) const VERBS: &[&str] = &["create"];

fn review(
    group: &'static str,
    kind: &'static str,
    plural: &'static str,
    singular: &'static str,
    review: Review,
) -> Row {
    Row {
        group,
        version: "v1",
        kind,
        plural,
        singular,
        short_names: &[],
        categories: &[],
        namespaced: false,
        fields: &[],
        built_in: true,
        strategy: Strategy {
            review: Some(review),
            ..PLAIN
        },
    }
}

/// All reviews.
pub(super) fn rows() -> Vec<Row> {
    let authorization = |kind, plural, singular, about| review("authorization.k8s.io", kind, plural, singular, about);
    vec![
        review(
            "authentication.k8s.io",
            "SelfSubjectReview",
            "selfsubjectreviews",
            "selfsubjectreview",
            Review::Who,
        ),
        review(
            "authentication.k8s.io",
            "TokenReview",
            "tokenreviews",
            "tokenreview",
            Review::Token,
        ),
        Row {
            namespaced: true,
            ..authorization(
                "LocalSubjectAccessReview",
                "localsubjectaccessreviews",
                "localsubjectaccessreview",
                Review::Access,
            )
        },
        authorization(
            "SelfSubjectAccessReview",
            "selfsubjectaccessreviews",
            "selfsubjectaccessreview",
            Review::OwnAccess,
        ),
        authorization(
            "SelfSubjectRulesReview",
            "selfsubjectrulesreviews",
            "selfsubjectrulesreview",
            Review::OwnRules,
        ),
        authorization(
            "SubjectAccessReview",
            "subjectaccessreviews",
            "subjectaccessreview",
            Review::Access,
        ),
    ]
}
