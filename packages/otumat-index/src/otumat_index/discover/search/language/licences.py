"""
Licences: classifiers and the identifiers of SPDX that mean the same.

Projects name theirs by classifier, or since metadata 2.4 by expression, so whoever asks for MIT means both.
"""

from __future__ import annotations

from collections.abc import Mapping

OSI = "License :: OSI Approved :: "
IDS: Mapping[str, tuple[str, ...]] = {
    "Academic Free License (AFL)": ("AFL-3.0", "AFL-2.1"),
    "Apache Software License": ("Apache-2.0",),
    "Artistic License": ("Artistic-2.0",),
    "BSD License": ("BSD-3-Clause", "BSD-2-Clause"),
    "Blue Oak Model License (BlueOak-1.0.0)": ("BlueOak-1.0.0",),
    "Boost Software License 1.0 (BSL-1.0)": ("BSL-1.0",),
    "Eclipse Public License 2.0 (EPL-2.0)": ("EPL-2.0",),
    "European Union Public Licence 1.2 (EUPL 1.2)": ("EUPL-1.2",),
    "GNU Affero General Public License v3": ("AGPL-3.0-only",),
    "GNU Affero General Public License v3 or later (AGPLv3+)": ("AGPL-3.0-or-later",),
    "GNU General Public License v2 (GPLv2)": ("GPL-2.0-only",),
    "GNU General Public License v2 or later (GPLv2+)": ("GPL-2.0-or-later",),
    "GNU General Public License v3 (GPLv3)": ("GPL-3.0-only",),
    "GNU General Public License v3 or later (GPLv3+)": ("GPL-3.0-or-later",),
    "GNU Lesser General Public License v3 (LGPLv3)": ("LGPL-3.0-only",),
    "GNU Lesser General Public License v3 or later (LGPLv3+)": ("LGPL-3.0-or-later",),
    "ISC License (ISCL)": ("ISC",),
    "MIT License": ("MIT",),
    "MIT No Attribution License (MIT-0)": ("MIT-0",),
    "Mozilla Public License 2.0 (MPL 2.0)": ("MPL-2.0",),
    "Python Software Foundation License": ("PSF-2.0",),
    "The Unlicense (Unlicense)": ("Unlicense",),
    "Universal Permissive License (UPL)": ("UPL-1.0",),
    "zlib/libpng License": ("Zlib",),
    "Zero-Clause BSD (0BSD)": ("0BSD",),
    "Zope Public License": ("ZPL-2.1",),
}
IDS_OF: Mapping[str, tuple[str, ...]] = {OSI + name: ids for name, ids in IDS.items()}
CLASSIFIER_OF: Mapping[str, str] = {each.casefold(): classifier for classifier, ids in IDS_OF.items() for each in ids}


def group(classifier: str) -> tuple[str, ...]:
    """
    Everything that says the same as a licence's classifier, itself first.

    >>> group("License :: OSI Approved :: MIT License")
    ('License :: OSI Approved :: MIT License', 'MIT')
    """
    return (classifier, *IDS_OF.get(classifier, ()))
