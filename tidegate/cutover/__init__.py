"""The upgrade of the main instance itself: allowed by an approval, journalled, and led back when it fails."""
