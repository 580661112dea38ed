"""Names of people who do not exist, in the three scripts that a college in Andhra Pradesh meets."""

from __future__ import annotations

import random


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_GIVEN = _words(
    """
    Aarav Aditya Akhil Ananya Anjali Arjun Bhavya Charan Deepika Divya Eshwar Farhan Gayatri Harsha Imran Ishaan
    Jahnavi Karthik Kavya Keerthana Lakshmi Mahesh Manoj Meghana Mounika Nandini Nikhil Om Pooja Pranav Priya Rahul
    Ramya Ravi Rohan Sai Sandhya Shreya Sneha Sravani Suresh Swathi Tejaswini Uma Varun Venkat Vijay Yamini Zoya
    """
)
_FAMILY = _words(
    """
    Babu Chowdary Das Fernandes Gupta Iyer Joseph Khan Kumar Murthy Naidu Nair O'Brien Patil Prasad Raju Rao Reddy
    Sharma Shaik Singh Varma
    """
)
_TELUGU_GIVEN = _words("శ్రావణి వెంకట లక్ష్మి సాయి హర్షిత కార్తీక్ మౌనిక ప్రణవి దీపిక అనిల్ రమ్య సురేష్")
_TELUGU_FAMILY = _words("రెడ్డి రావు నాయుడు వర్మ చౌదరి ప్రసాద్ శర్మ రాజు")
_DEVANAGARI_GIVEN = _words("अनन्या राहुल प्रिया विजय नेहा आदित्य दीपिका रोहन कविता सुरेश")
_DEVANAGARI_FAMILY = _words("शर्मा गुप्ता सिंह पाटिल वर्मा जोशी कुमार")


def person(dice: random.Random) -> str:
    """A full name; about one in twelve in Telugu script, one in twenty-five in Devanagari."""
    roll = dice.random()
    if roll < 0.08:
        given, family = _TELUGU_GIVEN, _TELUGU_FAMILY
    elif roll < 0.12:
        given, family = _DEVANAGARI_GIVEN, _DEVANAGARI_FAMILY
    else:
        given, family = _GIVEN, _FAMILY
    return f"{dice.choice(given)} {dice.choice(family)}"
